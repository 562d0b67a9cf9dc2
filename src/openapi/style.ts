/** The style sheet of `/docs`. A separate file, because a page with a strict policy holds no inline styles. */
export const DOCS_STYLE = `/* Colours as on the pages (web-client/src/ui/page.css). */
:root { color-scheme: light dark; --accent: light-dark(#0b7268, #4fd1bd); --line: light-dark(#d5dbe1, #3a424b); --soft: light-dark(#f4f6f8, #1c2126); }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1rem 1.5rem 4rem; font: 16px/1.5 system-ui, sans-serif; }
nav ul { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; padding: 0.5rem 0; margin: 0; list-style: none; }
a { color: var(--accent); }
p, li, h3 { overflow-wrap: anywhere; }
pre { margin: 0.5rem 0 0; padding: 0.75rem; border-radius: 0.5rem; background: var(--soft); font: 0.85rem/1.5 ui-monospace, monospace; overflow-x: auto; }
.sections { position: sticky; top: 0; background: Canvas; border-block: 1px solid var(--line); }
section, article { scroll-margin-top: 4rem; }
article { border: 1px solid var(--line); border-radius: 0.5rem; padding: 0.25rem 1rem 1rem; margin: 1rem 0; overflow-x: auto; }
h3 { font-size: 1.05rem; } h4 { margin: 0.75rem 0 0.25rem; font-size: 0.9rem; }
h3 b { display: inline-block; min-width: 4rem; padding: 0 0.5rem; border-radius: 0.25rem; background: var(--soft); text-align: center; }
.get { color: light-dark(#1257a8, #7fb7ff); } .post { color: light-dark(#1b6e3a, #7fd6a0); }
.put { color: light-dark(#8a5200, #f0b860); } .delete { color: light-dark(#a3212b, #ff9aa2); }
code { font: 0.9em/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; } th, td { border-top: 1px solid var(--line); padding: 0.35rem 0.5rem; text-align: left; vertical-align: top; }
th { white-space: nowrap; } dl { margin: 0.25rem 0 0 0.25rem; padding-left: 0.75rem; border-left: 2px solid var(--line); }
@media (max-width: 40rem) { tr, th, td { display: block; } td { border-top: 0; padding-top: 0; } th { white-space: normal; } }
dd { margin: 0 0 0.35rem 1rem; } small { opacity: 0.75; font-weight: normal; }
`;
