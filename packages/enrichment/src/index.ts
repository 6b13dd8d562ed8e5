export { asOfJoin, type Join, type Match } from './as-of-join.ts';
export { Dedupe, idReader } from './dedupe.ts';
export { rowMaker } from './reference-table.ts';
export { TableFeed } from './table-feed.ts';
