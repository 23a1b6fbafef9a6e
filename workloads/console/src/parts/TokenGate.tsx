import { useState } from "react";
import { Button } from "react-aria-components";
import { Field } from "./Field";

const COMMAND =
  "kubectl -n rt exec deploy/demo-api -- /realtime-api token --sub me --channels '*' --publish '*' --hours 1";

/** Asks for a token when the API does. */
export function TokenGate(props: { why: string; onToken: (token: string) => void }) {
  const [text, setText] = useState("");
  return (
    <section className="gate" aria-labelledby="gate-heading">
      <h2 id="gate-heading">This stack asks for a token</h2>
      <p className="gate-why" role="alert">
        {props.why}
      </p>
      <form
        className="channels"
        onSubmit={(event) => {
          event.preventDefault();
          const token = text.trim().replace(/^Bearer\s+/i, "");
          if (token !== "") props.onToken(token);
        }}
      >
        <Field label="Token" name="token" value={text} onChange={setText} mono secret />
        <Button type="submit" className="button button-main" isDisabled={text.trim() === ""}>
          Use it
        </Button>
      </form>
      <p className="hint">
        It is kept in this tab only. Who may use kubectl gets one so, with the names of namespace and stack in
        place of rt and demo:
      </p>
      <code className="block">{COMMAND}</code>
    </section>
  );
}
