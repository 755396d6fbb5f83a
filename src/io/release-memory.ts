/** Buffers below this are left to the garbage collector. */
const LARGE = 1 << 14;

let nowhere: InstanceType<typeof MessagePort> | undefined;

/**
 * Gives the memory of these buffers back at once; they are empty afterwards. The garbage collector would come to it only
 * after a while, when much more memory is taken, and new memory is slow: the system clears it first. Handing buffers over
 * to a closed port is the one way to free them that browsers and Node share.
 */
export function releaseBuffers(buffers: Iterable<ArrayBuffer>): void {
  const large = [...new Set(buffers)].filter(({ byteLength }) => byteLength >= LARGE);
  if (large.length > 0) closedPort().postMessage(undefined, large);
}

function closedPort(): InstanceType<typeof MessagePort> {
  if (nowhere === undefined) {
    const { port1, port2 } = new MessageChannel();
    port2.close();
    nowhere = port1;
  }
  return nowhere;
}

/**
 * Lets the event loop turn once. Work that reads files and computes never leaves it otherwise: until it turns, memory that
 * was given back is not free, and no signal or message is heard.
 */
export function turnEventLoop(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
