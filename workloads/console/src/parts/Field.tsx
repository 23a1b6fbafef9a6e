import type { KeyboardEvent, ReactNode } from "react";
import { FieldError, Input, Label, Text, TextArea, TextField } from "react-aria-components";

/** A labelled text field with its hint and, behind it, what is wrong with it. */
export function Field(props: {
  label: string;
  name: string;
  value: string;
  onChange: (value: string) => void;
  hint?: ReactNode;
  placeholder?: string;
  lines?: number;
  required?: boolean;
  mono?: boolean;
  secret?: boolean;
  /** What is wrong with it by now. */
  complaint?: string;
  suggestions?: readonly string[];
  onKeyDown?: (event: KeyboardEvent) => void;
}) {
  const list = props.suggestions && `${props.name}-suggestions`;
  const shared = {
    className: props.mono ? "input mono" : "input",
    placeholder: props.placeholder ?? "",
    spellCheck: !props.mono,
    autoComplete: "off",
  } as const;
  return (
    <TextField
      className="field"
      name={props.name}
      value={props.value}
      onChange={props.onChange}
      isRequired={props.required ?? false}
      validationBehavior="aria"
      {...(props.complaint === undefined ? {} : { isInvalid: true })}
    >
      <Label>{props.label}</Label>
      {props.lines === undefined ? (
        <Input {...shared} type={props.secret ? "password" : "text"} {...(list ? { list } : {})} />
      ) : (
        <TextArea
          {...shared}
          rows={props.lines}
          {...(props.onKeyDown ? { onKeyDown: props.onKeyDown } : {})}
        />
      )}
      {list && (
        <datalist id={list}>
          {props.suggestions?.map((suggestion) => (
            <option key={suggestion} value={suggestion} />
          ))}
        </datalist>
      )}
      {props.hint !== undefined && (
        <Text slot="description" className="hint">
          {props.hint}
        </Text>
      )}
      <FieldError className="field-error">{props.complaint}</FieldError>
    </TextField>
  );
}
