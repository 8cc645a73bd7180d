import { storageContract } from '../testing/contract.ts';
import { createMemoryStorage } from './memory-storage.ts';

storageContract('memory', async () => ({ storage: createMemoryStorage('test'), cleanup: async () => {} }));
