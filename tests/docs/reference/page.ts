/** The line at the top of every generated page. */
export const regenerate = 'npx vitest run tests/docs/reference.test.ts -u';

/** A page of `docs/reference/`: its title, an introduction and its sections. */
export function page(title: string, introduction: string, sections: readonly string[]): string {
  const notice = `<!-- Generated from the code. Do not edit; write it anew with: ${regenerate} -->`;
  return `${[notice, `# ${title}`, introduction, ...sections].join('\n\n')}\n`;
}

/** A Markdown table. Cells may hold any text. */
export function table(head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

export const code = (text: string): string => `\`${text}\``;

const cell = (text: string): string =>
  text
    .replaceAll('|', '\\|')
    .replaceAll(/\s*\n\s*/g, ' ')
    .trim();
