import { Column, type DeleteQuery, Index, type InPlaceQuery, PrimaryKey, Query, Table, type UpdateQuery } from '../../lib/index.js';

/** A point on the globe, in degrees. A record within the row: no table, no key. */
export class Location {
  @Column() latitude!: number;
  @Column() longitude!: number;
}

/** GeoNames' codes of populated places: PPLC is a capital, PPLH a place that is no more, PPLQ an abandoned one … */
export const KINDS = [
  ...['PPL', 'PPLA', 'PPLA2', 'PPLA3', 'PPLA4', 'PPLA5', 'PPLC', 'PPLCH', 'PPLF'],
  ...['PPLG', 'PPLH', 'PPLL', 'PPLQ', 'PPLR', 'PPLS', 'PPLW', 'PPLX', 'STLMT'],
];

/** A populated place. The table counts its own keys; GeoNames' number is unique too, and has an index. */
@Table({ version: 1 })
@Index({ columns: ['country', 'population'] })
export class City {
  @PrimaryKey('autoincrement') id!: number;
  @Index('unique') @Column('int') geonameId!: number;
  @Index() @Column() name!: string;
  @Index() @Column() country!: string;
  @Column('string', { nullable: true }) region!: string | null;
  @Column({ enum: KINDS }) kind!: string;
  @Index() @Column('int') population!: number;
  @Column({ type: () => Location }) location!: Location;

  /** By the key. */
  @Query({ update: ['name'], by: 'id' })
  static renameById: UpdateQuery<City, 'name', 'id'>;

  /** By an index. */
  @Query({ inPlace: ['population'], by: 'country' })
  static growByCountry: InPlaceQuery<City, 'population', 'country'>;

  @Query({ delete: true, by: 'country' })
  static deleteByCountry: DeleteQuery<City, 'country'>;

  /** By a column without an index: every row is looked at. */
  @Query({ delete: true, by: 'kind' })
  static deleteByKind: DeleteQuery<City, 'kind'>;

  /** Rows that are read are instances of the class: its methods work on them. */
  kilometresTo(there: Location): number {
    return kilometresBetween(this.location, there);
  }
}

const EARTH_RADIUS_KM = 6371;

/** The great-circle distance, by the haversine formula. */
export function kilometresBetween(here: Location, there: Location): number {
  const radians = (degrees: number) => (degrees * Math.PI) / 180;
  const north = Math.sin(radians(there.latitude - here.latitude) / 2);
  const east = Math.sin(radians(there.longitude - here.longitude) / 2);
  const square = north ** 2 + Math.cos(radians(here.latitude)) * Math.cos(radians(there.latitude)) * east ** 2;
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.sqrt(square));
}
