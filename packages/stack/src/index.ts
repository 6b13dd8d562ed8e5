export {
  type BackgroundOptions,
  type StackStatus,
  stackStatus,
  startBackgroundStack,
  stopStack,
} from './background.ts';
export { type Child, type ChildOptions, startChild } from './child.ts';
export { choosePorts } from './ports.ts';
export {
  identify,
  isAlive,
  ownerVariable,
  type ProcessIdentity,
  sendSignal,
} from './process-identity.ts';
export { type ScrapeTarget, setScrapeTargets } from './scrape-targets.ts';
export { type Stack, type StackOptions, startStack } from './stack.ts';
export {
  defaultStateDir,
  logEnd,
  logFile,
  type PartName,
  type PartRecord,
  type PartState,
  partNames,
  readJson,
  readStackEnv,
  type StackEndpoints,
  type StackPaths,
  setEnvironmentNames,
  stackPaths,
  writeWhole,
} from './state.ts';
