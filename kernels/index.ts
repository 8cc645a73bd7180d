export { rabinScan } from './rabin';
export { counterBlocks, equalBytes, xorBytes } from './counter';
export { poly1305 } from './poly1305';
