/** The route of a shop with a canary that gets so many of 100 requests. */
export function shopRoute(canary = 0) {
  return {
    name: 'shop',
    services: [
      { service: 'shop', weight: 100 - canary },
      { service: 'canary', weight: canary },
    ],
  };
}

/** What is always to be said of a shift of it. */
export const toCanary = { subject: { kind: 'route', route: 'shop' }, to: 'canary' } as const;
