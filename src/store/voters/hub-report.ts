import { z } from 'zod';
import type { Copy, Hub, Member, Stream } from './hub.ts';

/** What one server says of itself and of the streams that it holds (`JSZ`). */
export type HubAnswer = z.output<typeof answerSchema>;

const name = z.string().min(1).max(200);
const peer = z.object({
  name,
  current: z.boolean().default(false),
  lag: z.number().nonnegative().default(0),
});
const group = z.object({
  leader: z.string().max(200).optional(),
  replicas: z.array(peer).optional(),
});
const stream = z.object({
  name,
  cluster: group.optional(),
  config: z.object({ num_replicas: z.number().int().min(1) }),
});
const answerSchema = z.object({
  server: z.object({ name }),
  data: z.object({
    disabled: z.boolean().optional(),
    meta_cluster: group.optional(),
    account_details: z
      .array(z.object({ name, stream_detail: z.array(stream).optional() }))
      .optional(),
  }),
});

/** @throws {Error} for what is no such answer. */
export function parseHubAnswer(text: string): HubAnswer {
  return answerSchema.parse(JSON.parse(text));
}

/**
 * Puts answers together. Only a leader's own word counts for its group: who was leader may
 * not know yet that another is. And a server that does not answer is down, whatever others
 * say: they notice it only after seconds. Pure.
 */
export function hubOf(answers: readonly HubAnswer[], account: string): Hub {
  const up = answers.filter(({ data }) => data.disabled !== true);
  const online = new Set(up.map(({ server }) => server.name));
  const leads = ({ server, data }: HubAnswer) => data.meta_cluster?.leader === server.name;
  const leader = up.find((answer) => leads(answer) && answer.data.meta_cluster?.replicas);
  const clustered = up.some(({ data }) => data.meta_cluster !== undefined);
  return {
    clustered,
    leader: leader?.server.name,
    members: leader
      ? membersOf(leader, online)
      : [...online].map((server) => ({ server, online: true, current: !clustered })),
    streams: streamsOf(up, account, online),
  };
}

function membersOf({ server, data }: HubAnswer, online: ReadonlySet<string>): Member[] {
  const others = (data.meta_cluster?.replicas ?? []).map((one) => ({
    server: one.name,
    online: online.has(one.name),
    current: one.current,
  }));
  return [{ server: server.name, online: true, current: true }, ...others].sort(byServer);
}

function streamsOf(
  answers: readonly HubAnswer[],
  account: string,
  online: ReadonlySet<string>,
): Stream[] {
  const told = answers.flatMap(({ server, data }) =>
    (data.account_details ?? [])
      .filter((one) => one.name === account)
      .flatMap((one) => one.stream_detail ?? [])
      .map((detail) => ({ server: server.name, detail })),
  );
  const views = [...Map.groupBy(told, ({ detail }) => detail.name).values()];
  return views
    .map((of): Stream => {
      const own = of.find(({ server, detail }) => detail.cluster?.leader === server);
      const { server, detail } = own ?? of[0]!;
      const self: Copy = { server, online: true, current: own !== undefined, lag: 0 };
      const others = (detail.cluster?.replicas ?? []).map((one) => ({
        server: one.name,
        online: online.has(one.name),
        current: one.current,
        lag: one.lag,
      }));
      return {
        name: detail.name,
        replicas: detail.config.num_replicas,
        leader: own?.server,
        copies: [self, ...others].sort(byServer),
      };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function byServer(a: { server: string }, b: { server: string }): number {
  return a.server < b.server ? -1 : 1;
}
