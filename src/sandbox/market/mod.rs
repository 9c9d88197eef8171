//! The simulated market: what exists and what it costs, as a pure function of seed, scale and time. Nothing
//! here keeps state, asks a clock or knows a wire format.

pub(crate) mod azure_catalog;
mod azure_meters;
pub(crate) mod draw;
pub(crate) mod edges;
mod families;
pub(crate) mod instances;
pub(crate) mod money;
pub(crate) mod places;
pub(crate) mod products;
pub(crate) mod spot;
pub(crate) mod versions;

use azure_catalog::AzureCatalog;
use draw::Draw;
use edges::{EDGES, Edge};
use instances::{Instance, System};
use places::{CHINA, COMMERCIAL, GOVERNMENT, OptIn, Place, Zone};
use spot::Pool;

/// The largest market: four times the real one.
pub(crate) const MAX_SCALE: f64 = 4.0;

/// Everything that is for sale.
#[derive(Debug)]
pub(crate) struct Market {
    /// The root of all decisions.
    pub(crate) seed: Draw,
    /// Instance types, the best known first.
    pub(crate) instances: Vec<Instance>,
    /// The commercial regions.
    pub(crate) regions: Vec<Region>,
    /// Azure's retail prices.
    pub(crate) azure: AzureCatalog,
    listed: Vec<Listed>,
    listed_in_china: Vec<Listed>,
    variants: usize,
}

/// A commercial region with what EC2 sells there.
#[derive(Debug)]
pub(crate) struct Region {
    /// Its unchanging facts.
    pub(crate) place: &'static Place,
    /// Its zones, then its Local and Wavelength Zones.
    pub(crate) zones: Vec<Zone>,
    /// Its spot pools. The position in this list is the pool's number.
    pub(crate) pools: Vec<Pool>,
}

/// A place that has an offer file of its own.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    /// The code in the region index.
    pub(crate) code: &'static str,
    /// The name in the products' `location`.
    pub(crate) location: String,
    /// How its usage types begin.
    pub(crate) usage_prefix: String,
    /// `AWS Region`, `AWS Local Zone` or `AWS Wavelength Zone`.
    pub(crate) kind: &'static str,
    /// The region that decides its prices.
    pub(crate) place: &'static Place,
    /// The instance types that are sold there, as positions in [`Market::instances`].
    pub(crate) types: Vec<usize>,
}

impl Listed {
    /// True when it is a region, not one of its Local or Wavelength Zones.
    pub(crate) fn is_region(&self) -> bool {
        self.kind == "AWS Region"
    }
}

impl Market {
    /// The market of `seed`, `scale` times as large as the real one (more than 0, at most [`MAX_SCALE`]).
    pub(crate) fn new(seed: u64, scale: f64) -> Self {
        let seed = Draw::seeded(seed);
        let instances = Instance::all();
        // Regions and types grow with the square root, so that their product, the pools, grows with the scale.
        let side = scale.sqrt();
        let places = &COMMERCIAL[..portion(34.0 * side).min(34)];
        let type_count = portion(240.0 * side);
        let edges: Vec<&'static Edge> = EDGES
            .iter()
            .filter(|edge| places.iter().any(|place| edge.is_in(place.code)))
            .take(portion(65.0 * side))
            .collect();
        let types_of = |place: &Place| -> Vec<usize> {
            let here = seed.text("types").text(place.code);
            let sold = |(index, instance): (usize, &Instance)| {
                here.text(&instance.name).permille(950).then_some(index)
            };
            instances.iter().enumerate().filter_map(sold).take(type_count).collect()
        };
        let regions = places
            .iter()
            .map(|place| {
                let zones = place
                    .zones(seed.text("zones"), edges.iter().copied().filter(|edge| edge.is_in(place.code)));
                // Nobody can ask for the pools of a region that is closed to the account.
                let pools = match place.opt_in {
                    OptIn::NotOptedIn => Vec::new(),
                    _ => pools(seed, place, &zones, &types_of(place), &instances),
                };
                Region { place, zones, pools }
            })
            .collect();
        let region = |place: &'static Place| Listed {
            code: place.code,
            location: place.location.to_owned(),
            usage_prefix: place.usage_prefix.to_owned(),
            kind: "AWS Region",
            place,
            types: types_of(place),
        };
        let mut listed: Vec<Listed> =
            places.iter().chain(GOVERNMENT.iter().take(portion(2.0 * side))).map(region).collect();
        listed.extend(edges.iter().filter_map(|edge| {
            let place = places.iter().find(|place| edge.is_in(place.code))?;
            Some(listed_edge(edge, place, types_of(place)))
        }));
        Self {
            azure: AzureCatalog::new(seed, scale),
            listed,
            listed_in_china: CHINA.iter().map(region).collect(),
            // 6 variants of a type in the smallest market, 28 in one of about the real size.
            variants: portion(28.0 * scale.cbrt()).max(4),
            seed,
            instances,
            regions,
        }
    }

    /// The commercial region called `code`.
    pub(crate) fn region(&self, code: &str) -> Option<&Region> {
        self.regions.iter().find(|region| region.place.code == code)
    }

    /// The places with offer files of their own, in China or in the rest of the world.
    pub(crate) fn listed(&self, china: bool) -> &[Listed] {
        if china { &self.listed_in_china } else { &self.listed }
    }

    /// How many kinds of each instance type (by system, tenancy, capacity status, software) the list has.
    pub(crate) fn variants(&self) -> usize {
        self.variants
    }
}

/// A count that grows with the scale: rounded up, at least one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a small positive number: the scale is bounded when the sandbox starts"
)]
fn portion(exact: f64) -> usize {
    // The square root of a decimal is seldom exact; what is a hair above a whole number is that number.
    (exact - 1e-6).ceil().max(1.0) as usize
}

fn listed_edge(edge: &'static Edge, place: &'static Place, types: Vec<usize>) -> Listed {
    let tail = edge.code.strip_prefix(place.code).unwrap_or_default().trim_start_matches('-');
    let area = place.location.split(" (").next().unwrap_or(place.location);
    Listed {
        code: edge.code,
        location: format!("{area} ({})", edge.city),
        usage_prefix: format!("{}{}-", place.usage_prefix, tail.replace('-', "").to_uppercase()),
        kind: if edge.is_wavelength() { "AWS Wavelength Zone" } else { "AWS Local Zone" },
        place,
        types: types.into_iter().step_by(6).collect(),
    }
}

/// The pools of a region: zone × type × system, where that is sold.
fn pools(seed: Draw, place: &Place, zones: &[Zone], types: &[usize], instances: &[Instance]) -> Vec<Pool> {
    let mut pools = Vec::new();
    for (number, zone) in zones.iter().enumerate() {
        let local = zone.parent.is_some();
        if zone.kind == "wavelength-zone" || zone.opt_in == OptIn::NotOptedIn {
            continue;
        }
        for index in types.iter().step_by(if local { 6 } else { 1 }) {
            let instance = &instances[*index];
            for system in System::ALL {
                let draw =
                    seed.text("pool").text(&zone.id).text(&instance.name).text(system.product_description());
                let share = match system {
                    System::Linux => 960,
                    System::Windows if instance.family.is_arm() || local => 0,
                    System::Windows => 650,
                    System::RedHat | System::Suse if local => 0,
                    System::RedHat => 480,
                    System::Suse => 420,
                };
                if draw.text("sold").permille(share) {
                    pools.push(Pool::new(draw, number, *index, system, instance.base(place, system)));
                }
            }
        }
    }
    pools
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool_count(market: &Market) -> usize {
        market.regions.iter().map(|region| region.pools.len()).sum()
    }

    #[test]
    fn the_default_market_is_small_and_the_full_one_about_real() {
        let small = Market::new(1, 0.01);
        assert_eq!(small.regions.len(), 4);
        assert!((500..800).contains(&pool_count(&small)), "{}", pool_count(&small));
        let full = Market::new(1, 1.0);
        assert_eq!(full.regions.len(), 34);
        assert!((50_000..70_000).contains(&pool_count(&full)), "{}", pool_count(&full));
        assert_eq!(full.listed(false).len(), 101);
        assert_eq!(full.listed(true).len(), 2);
    }

    #[test]
    fn the_market_grows_with_the_scale() {
        let scales = [0.0001, 0.001, 0.01, 0.05, 0.1, 0.3, 1.0, 2.0, MAX_SCALE];
        let counts: Vec<usize> = scales.iter().map(|scale| pool_count(&Market::new(1, *scale))).collect();
        assert!(counts.is_sorted() && counts[0] > 0, "{counts:?}");
    }

    #[test]
    fn a_pool_of_a_small_market_is_the_same_in_a_large_one() {
        let (small, large) = (Market::new(1, 0.01), Market::new(1, 0.1));
        let pool = &small.regions[0].pools[5];
        assert!(large.regions[0].pools.iter().any(|other| other == pool));
    }
}
