export { asOfJoin, type Join } from './as-of-join.ts';
export { enricherConfig } from './config.ts';
export { idReader } from './dedupe.ts';
export { rowMaker } from './reference-table.ts';
export { TableFeed } from './table-feed.ts';
