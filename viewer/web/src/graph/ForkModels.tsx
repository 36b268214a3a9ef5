// Fields for what holds from the forked turn on: models and prompts, for all roles or for one.
import { useState } from "react";
import type { Settings } from "../records";
import { Choice, Line, Lines } from "./Field";

interface ModelsPartProps {
  settings: Settings;
  model: string;
  models: Record<string, string>;
  setModel(spec: string): void;
  setModels(models: Record<string, string>): void;
}

export function ModelsPart({ settings, model, models, setModel, setModels }: ModelsPartProps) {
  return (
    <div className="fields">
      <Line
        label="Model of the supporter"
        value={model}
        hint="Of all its roles: a spec such as rehearsal or openai:NAME. Empty: as it was."
        onChange={setModel}
      />
      {Object.keys(settings.models).map((role) => (
        <Line
          key={role}
          label={`Model of the ${role}`}
          value={models[role] ?? ""}
          onChange={(spec) => setModels({ ...models, [role]: spec })}
        />
      ))}
    </div>
  );
}

interface PromptsPartProps {
  settings: Settings;
  prompts: Record<string, string>;
  set(prompts: Record<string, string>): void;
}

export function PromptsPart({ settings, prompts, set }: PromptsPartProps) {
  const roles = Object.keys(settings.prompts);
  const [role, show] = useState(roles[0] ?? "");
  const before = settings.prompts[role] ?? "";
  const changed = prompts[role] !== before;
  return (
    <div className="fields">
      <Choice label="Role" value={role} options={roles} onChange={show} />
      {changed && (
        <button type="button" onClick={() => set({ ...prompts, [role]: before })}>
          Put it back
        </button>
      )}
      <Lines
        letters
        label={`Prompt file of the ${role}`}
        rows={14}
        value={prompts[role] ?? ""}
        hint="Its sections begin with === name ===; words in {{double braces}} are filled in."
        onChange={(text) => set({ ...prompts, [role]: text })}
      />
    </div>
  );
}
