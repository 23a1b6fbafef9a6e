import { useEffect, useState } from "react";

/** What the reader wants; `system` is what the browser says. */
export type Theme = "system" | "light" | "dark";

const NAME = "realtime-theme";
const DARK = "(prefers-color-scheme: dark)";

/** The theme, kept in this browser, and whether the page is dark by now. */
export function useTheme() {
  const [theme, setTheme] = useState<Theme>(read);
  const [systemDark, setSystemDark] = useState(() => matchMedia(DARK).matches);
  useEffect(() => {
    const query = matchMedia(DARK);
    const changed = () => setSystemDark(query.matches);
    query.addEventListener("change", changed);
    return () => query.removeEventListener("change", changed);
  }, []);
  useEffect(() => {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem(NAME, theme);
    } catch {
      // A browser that stores nothing: the theme lasts as long as the page.
    }
  }, [theme]);
  return { theme, setTheme, dark: theme === "system" ? systemDark : theme === "dark" };
}

function read(): Theme {
  try {
    const kept = localStorage.getItem(NAME);
    return kept === "light" || kept === "dark" ? kept : "system";
  } catch {
    return "system";
  }
}
