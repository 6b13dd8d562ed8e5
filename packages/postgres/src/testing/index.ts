export { createDatabase, type TestDatabase } from './test-database.ts';
