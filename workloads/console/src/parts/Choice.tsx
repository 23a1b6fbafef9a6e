import { Label, Radio, RadioGroup } from "react-aria-components";

/** One of a few, side by side. */
export function Choice<T extends string>(props: {
  label: string;
  hideLabel?: boolean;
  options: readonly { id: T; name: string }[];
  value: T;
  onChange: (value: T) => void;
}) {
  return (
    <RadioGroup
      className="choice-group"
      orientation="horizontal"
      value={props.value}
      onChange={(value) => {
        const chosen = props.options.find(({ id }) => id === value);
        if (chosen) props.onChange(chosen.id);
      }}
      {...(props.hideLabel ? { "aria-label": props.label } : {})}
    >
      {!props.hideLabel && <Label>{props.label}</Label>}
      <div className="choice">
        {props.options.map(({ id, name }) => (
          <Radio key={id} value={id} className="choice-item">
            {name}
          </Radio>
        ))}
      </div>
    </RadioGroup>
  );
}
