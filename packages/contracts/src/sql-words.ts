/** SQL that is no column's name: key words and types of expressions over columns. */
const reserved = new Set(
  `all and any array as asc at between bigint boolean both by case cast collate date day decimal desc distinct double else end
   epoch escape exists extract false filter first for from hour ilike in integer interval is isnull json jsonb last leading like
   minute month not notnull null nulls numeric on or order over partition precision real second similar smallint some symmetric
   text then time timestamp timestamptz to trailing true unknown using uuid varchar week when where with within without year zone`.split(
    /\s+/,
  ),
);

/** The words of an SQL expression that can be names of columns: no strings, key words, types, functions or qualified names. */
export function columnWords(expression: string): string[] {
  const withoutTexts = expression.replaceAll(/'(?:[^']|'')*'/g, "''");
  return [...withoutTexts.matchAll(/(?<![\w.":])[a-z_]\w*(?![\w."])(?!\s*\()/gi)]
    .map(([word]) => word)
    .filter((word) => !reserved.has(word.toLowerCase()));
}
