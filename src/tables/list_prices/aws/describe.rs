//! What the rates of savings plans are for, from the lists of the offers that sell it: a rate names the product's SKU, and
//! where that leads nowhere (`_not_found_` is one that AWS writes) usage type and operation do. A rate that joins nothing
//! stays as its own list has it, and is counted. Never here: which lists are asked.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Write as _;
use std::io;

use tokio::task::spawn_blocking;

use super::offers::read_products;
use super::products::{Described, Products};
use crate::base::units::grouped;
use crate::tables::list_prices::rate::{RATES, Rate};
use crate::tables::list_prices::state::{Lists, damaged};
use crate::tables::packed::Packer;
use crate::tables::problems::Problems;
use crate::tables::run::{Run, RunWriter};
use crate::tables::scratch::Scratch;
use crate::tables::workshop::{MakeError, Workshop, broken, read};

/// Says of each of `rates` what it is for, as far as the `lists` of its service tell. The products of these lists are held,
/// in short, while that is done.
pub(in crate::tables::list_prices) async fn describe(
    rates: Run,
    lists: Lists,
    mut problems: Problems,
    workshop: &Workshop,
) -> Result<(Run, Problems), MakeError> {
    let (rates, services) = spawn_blocking(move || {
        let services = services(&rates)?;
        Ok::<_, io::Error>((rates, services))
    })
    .await
    .map_err(broken)??;
    let mut sold = BTreeMap::new();
    for (service, key) in lists.into_iter().filter(|(service, _)| services.contains(service)) {
        let payload = workshop.fetch(&key).await?;
        // What is wrong with the list is told when it is read for its own sake.
        let (products, _) =
            read(&key, payload, |payload, problems| Ok(read_products(payload.open()?, problems))).await?;
        sold.insert(service, products);
    }
    let scratch = workshop.scratch.clone();
    let described = spawn_blocking(move || {
        let run = write(&rates, &sold, &scratch, &mut problems)?;
        Ok::<_, io::Error>((run, problems))
    });
    Ok(described.await.map_err(broken)??)
}

/// The services that rates are of.
fn services(rates: &Run) -> io::Result<BTreeSet<String>> {
    let mut services = BTreeSet::new();
    each(rates, |rate| {
        if !services.contains(rate.service_name) {
            services.insert(rate.service_name.to_owned());
        }
        Ok(())
    })?;
    Ok(services)
}

fn each(rates: &Run, mut take: impl FnMut(&Rate<'_>) -> io::Result<()>) -> io::Result<()> {
    let mut rows = rates.rows()?;
    while rows.advance()? {
        take(&Rate::unpack(rows.row()).map_err(damaged)?)?;
    }
    Ok(())
}

/// Writes the rates anew: in the same order, because what tells them apart stays.
fn write(
    rates: &Run,
    sold: &BTreeMap<String, Products>,
    scratch: &Scratch,
    problems: &mut Problems,
) -> io::Result<Run> {
    let by_meter = by_meter(rates, sold)?;
    let (mut packer, mut described) = (Packer::new(&RATES), RunWriter::new(scratch)?);
    let mut unjoined = BTreeMap::<String, u64>::new();
    each(rates, |rate| {
        let found = sold.get(rate.service_name).and_then(|products| {
            let by_sku = products.find(rate.sku_id).map(|product| (rate.sku_id, product));
            let meters = by_meter.get(rate.service_name);
            by_sku.or_else(|| meters?.get(rate.meter?).copied())
        });
        let Some((sku_id, product)) = found else {
            match unjoined.get_mut(rate.service_name) {
                Some(count) => *count += 1,
                None => {
                    unjoined.insert(rate.service_name.to_owned(), 1);
                }
            }
            return described.push(rate.pack(&mut packer));
        };
        let Described { instance_type, operating_system, tenancy, pre_installed_software, family: _, meter } =
            product;
        let rate = Rate {
            sku_id,
            instance_type: instance_type.or(rate.instance_type),
            operating_system,
            tenancy,
            pre_installed_software,
            meter: rate.meter.or(meter),
            ..*rate
        };
        described.push(rate.pack(&mut packer))
    })?;
    if let Some(told) = told(&unjoined, sold, rates.len()) {
        problems.note("rates", told);
    }
    described.finish()
}

/// Products with their SKUs, by meter.
type ByMeter<'s> = HashMap<&'s str, (&'s str, Described<'s>)>;

/// By service, the products that rates lead to by their meter alone.
fn by_meter<'s>(
    rates: &Run,
    sold: &'s BTreeMap<String, Products>,
) -> io::Result<HashMap<&'s str, ByMeter<'s>>> {
    let mut wanted: HashMap<&str, HashSet<String>> = HashMap::new();
    each(rates, |rate| {
        if let Some((service, products)) = sold.get_key_value(rate.service_name)
            && let Some(meter) = rate.meter
            && products.find(rate.sku_id).is_none()
        {
            wanted.entry(service).or_default().insert(meter.to_owned());
        }
        Ok(())
    })?;
    let of_service = |(service, meters): (&'s str, HashSet<String>)| {
        sold.get(service).map(|products| (service, products.of_meters(&meters)))
    };
    Ok(wanted.into_iter().filter_map(of_service).collect())
}

/// How many rates are for nothing that the price list of their service has, and of which services they are. A service whose
/// lists nobody collects is no fault: which ones are is the user's choice, and plans are for more of them than most people use.
fn told(unjoined: &BTreeMap<String, u64>, sold: &BTreeMap<String, Products>, all: u64) -> Option<String> {
    let of_sold = || unjoined.iter().filter(|(service, _)| sold.contains_key(*service));
    let count: u64 = of_sold().map(|(_, count)| count).sum();
    let mut text =
        format!("{} of {} are for nothing that a price list of the lake has:", grouped(count), grouped(all));
    for (index, (service, count)) in of_sold().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let _ = write!(text, "{comma} {service} {}", grouped(*count));
    }
    (count > 0).then_some(text)
}
