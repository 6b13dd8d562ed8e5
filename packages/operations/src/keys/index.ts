export { KeyStore, type NewWriteKey } from './key-store.ts';
export { openKeyStore } from './open-key-store.ts';
