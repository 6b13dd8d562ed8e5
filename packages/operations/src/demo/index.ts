export { type Answer, agree, askLakeFiles, askPostgres } from './answers.ts';
export { countTableRows } from './table-rows.ts';
