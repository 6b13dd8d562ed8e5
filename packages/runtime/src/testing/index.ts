export { must } from './must.ts';
