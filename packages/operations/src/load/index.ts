export { assertLoaded, type LoadRequest, loadInto } from './load-into.ts';
