import { type Readiness, words } from "../model/readiness";
import { Badge } from "./Badge";
import { Empty, Panel } from "./Panel";

/** The components and how each is. */
export function Components(props: { readiness: Readiness | undefined; failure: string | undefined }) {
  const { readiness, failure } = props;
  return (
    <Panel id="components" title="Components" {...(readiness?.name ? {} : { note: "as the API sees them" })}>
      {failure !== undefined && <p className="notice notice-bad">The API does not tell: {failure}</p>}
      {!readiness && failure === undefined && <Empty title="Loading …" />}
      {readiness && (
        <>
          {readiness.refusal !== undefined && <p className="notice">{readiness.refusal}</p>}
          {!readiness.ready && readiness.message !== "" && (
            <p className="notice notice-warning">{readiness.message}</p>
          )}
          <ul className="components">
            {readiness.rows.map((row) => (
              <li key={row.name} data-component={row.name} data-state={row.state}>
                <span className="component-name">{row.name}</span>
                {row.version !== undefined && <span className="component-version">{row.version}</span>}
                {row.count !== undefined && <span className="component-count">{row.count}</span>}
                <Badge tone={row.tone}>{words(row.state)}</Badge>
                {row.message !== undefined && <p className="component-message">{row.message}</p>}
              </li>
            ))}
          </ul>
        </>
      )}
    </Panel>
  );
}
