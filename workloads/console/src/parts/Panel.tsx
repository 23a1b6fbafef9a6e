import type { ReactNode } from "react";

/** A part of the page with a heading, found by assistive technology under its name. */
export function Panel(props: {
  id: string;
  title: string;
  note?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}) {
  const heading = `${props.id}-heading`;
  return (
    <section id={props.id} className="panel" aria-labelledby={heading}>
      <header className="panel-head">
        <h2 id={heading}>{props.title}</h2>
        {props.note !== undefined && <div className="panel-note">{props.note}</div>}
        {props.actions !== undefined && <div className="panel-actions">{props.actions}</div>}
      </header>
      {props.children}
    </section>
  );
}

/** What stands in a panel that has nothing to show. */
export function Empty(props: { title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <p className="empty-title">{props.title}</p>
      {props.children !== undefined && <div className="empty-text">{props.children}</div>}
    </div>
  );
}
