export const largeBytes = 1024 * 1024;
/** Below it every response of the origin has `largeBytes`; all others have `smallBody`. */
export const largePath = '/v1/large/';
export const smallBody = JSON.stringify({
  base: 'EUR',
  rates: { USD: '1.0842', JPY: '163.21' },
}).padEnd(130);
