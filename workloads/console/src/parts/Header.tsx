import { ToggleButton, ToggleButtonGroup } from "react-aria-components";
import type { Theme } from "../live/useTheme";
import type { Readiness } from "../model/readiness";
import { Badge } from "./Badge";

const THEMES: readonly { id: Theme; name: string; path: string }[] = [
  { id: "system", name: "As the system", path: "M3 4h14v9H3zM7 17h6M10 13v4" },
  {
    id: "light",
    name: "Light",
    path: "M10 6.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM10 2v1.5M10 16.5V18M2 10h1.5M16.5 10H18M4.3 4.3l1 1M14.7 14.7l1 1M4.3 15.7l1-1M14.7 5.3l1-1",
  },
  { id: "dark", name: "Dark", path: "M16.5 12.2A7 7 0 0 1 7.8 3.5a7 7 0 1 0 8.7 8.7z" },
];

/** The page's head: whose page it is, how the stack is, and the theme. */
export function Header(props: {
  stack: string | undefined;
  readiness: Readiness | undefined;
  theme: Theme;
  onTheme: (theme: Theme) => void;
  signedIn: boolean;
  onSignOut: () => void;
}) {
  return (
    <header className="top">
      <div className="brand">
        <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
          <rect width="32" height="32" rx="8" className="brand-ground" />
          <path d="M6 16h4l3-7 5 14 3-7h5" className="brand-line" />
        </svg>
        <h1>Realtime Stack</h1>
        {props.stack !== undefined && <span className="stack-name">{props.stack}</span>}
        {props.readiness && (
          <Badge tone={props.readiness.ready ? "good" : "bad"}>
            {props.readiness.ready ? "Ready" : "Not ready"}
          </Badge>
        )}
      </div>
      <div className="top-actions">
        {props.signedIn && (
          <button type="button" className="button button-quiet" onClick={props.onSignOut}>
            Forget the token
          </button>
        )}
        <ToggleButtonGroup
          aria-label="Colours"
          className="choice choice-icons"
          selectionMode="single"
          disallowEmptySelection
          selectedKeys={[props.theme]}
          onSelectionChange={(keys) => {
            const chosen = THEMES.find(({ id }) => keys.has(id));
            if (chosen) props.onTheme(chosen.id);
          }}
        >
          {THEMES.map(({ id, name, path }) => (
            <ToggleButton key={id} id={id} aria-label={name} className="choice-item">
              <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true">
                <path d={path} className="icon-line" />
              </svg>
            </ToggleButton>
          ))}
        </ToggleButtonGroup>
      </div>
    </header>
  );
}
