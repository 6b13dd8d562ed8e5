export { enricherConfig } from './config.ts';
