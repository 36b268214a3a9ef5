// Light or dark: as the system says until somebody chooses.
import { useEffect, useState } from "react";

const KEY = "attunement-theme";
const CHOICES = ["system", "light", "dark"] as const;
type Choice = (typeof CHOICES)[number];
const SIGNS: Record<Choice, string> = { system: "◐", light: "☀", dark: "☾" };

export function ThemeButton() {
  const [choice, setChoice] = useState<Choice>(remembered);
  useEffect(() => {
    const root = document.documentElement;
    if (choice === "system") delete root.dataset.theme;
    else root.dataset.theme = choice;
    remember(choice);
  }, [choice]);
  const next = CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length] ?? "system";
  return (
    <button
      type="button"
      className="plain"
      onClick={() => setChoice(next)}
      aria-label={`Colours: ${choice}. Change to ${next}.`}
      title={`Colours: ${choice}`}
    >
      <span aria-hidden="true">{SIGNS[choice]}</span>
    </button>
  );
}

function remembered(): Choice {
  try {
    const found = localStorage.getItem(KEY);
    return CHOICES.find((choice) => choice === found) ?? "system";
  } catch {
    return "system"; // a browser may forbid it, for files above all
  }
}

function remember(choice: Choice): void {
  try {
    localStorage.setItem(KEY, choice);
  } catch {
    // Then it holds for this page only.
  }
}
