import { after, before } from 'node:test';
import { NameServers } from './name-servers.ts';
import { TestStack } from './stack.ts';

/** What the tests of a `describe` share. There from its first test on. */
export interface StackInUse {
  readonly stack: TestStack;
  readonly servers: NameServers;
}

/** To be called in a `describe`: starts a stack before its tests, and ends it after them. */
export function useStack(config: string): StackInUse {
  let stack: TestStack | undefined;
  let servers: NameServers | undefined;
  before(async () => {
    stack = await TestStack.start(config);
    servers = new NameServers(stack);
  });
  after(async () => {
    servers?.close();
    await stack?.stop();
  });
  return {
    get stack() {
      return stack!;
    },
    get servers() {
      return servers!;
    },
  };
}
