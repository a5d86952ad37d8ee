import type { Location } from '../../config/schema/region.ts';

const meanEarthRadiusKm = 6371.0088;
const radiansPerDegree = Math.PI / 180;

/** Great-circle distance by the haversine formula (R. W. Sinnott, 1984), in kilometres. */
export function distanceKm(from: Location, to: Location): number {
  const halfLatitude = Math.sin(((to.latitude - from.latitude) * radiansPerDegree) / 2);
  const halfLongitude = Math.sin(((to.longitude - from.longitude) * radiansPerDegree) / 2);
  const chord =
    halfLatitude * halfLatitude +
    Math.cos(from.latitude * radiansPerDegree) *
      Math.cos(to.latitude * radiansPerDegree) *
      halfLongitude *
      halfLongitude;
  return 2 * meanEarthRadiusKm * Math.asin(Math.min(1, Math.sqrt(chord)));
}
