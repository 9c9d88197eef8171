//! `DescribeRegions` and `DescribeAvailabilityZones`.

use super::xml::Xml;
use super::{Call, Ec2Error};
use crate::sandbox::market::Region;
use crate::sandbox::market::places::{OptIn, Zone};

impl Call<'_> {
    /// The enabled regions, or with `AllRegions` those too that the account has not opted in to.
    pub(super) fn describe_regions(&self) -> Result<String, Ec2Error> {
        let names = self.params.list("RegionName");
        let filters = self.params.filters(&["region-name", "opt-in-status", "endpoint"])?;
        let all = self.params.is_true("AllRegions");
        let known = |name: &&&str| self.cloud.market.region(name).is_some();
        if let Some(name) = names.iter().find(|name| !known(name)) {
            return Err(Ec2Error::invalid(format!("Invalid region: [{name}]")));
        }
        let shown = |region: &&Region| {
            let place = region.place;
            (all || !names.is_empty() || place.opt_in != OptIn::NotOptedIn)
                && (names.is_empty() || names.contains(&place.code))
                && filters.pass("region-name", place.code)
                && filters.pass("opt-in-status", place.opt_in.as_str())
                && filters.pass("endpoint", &endpoint(place.code))
        };
        Ok(Xml::answer("DescribeRegions", &self.request_id, |xml| {
            xml.element("regionInfo", |xml| {
                for region in self.cloud.market.regions.iter().filter(shown) {
                    xml.element("item", |xml| {
                        xml.text("regionName", region.place.code);
                        xml.text("regionEndpoint", &endpoint(region.place.code));
                        xml.text("optInStatus", region.place.opt_in.as_str());
                        xml.element("geographySet", |xml| {
                            xml.element("item", |xml| xml.text("name", region.place.geography));
                        });
                    });
                }
            });
        }))
    }

    /// The zones of the region that are open to the account, or with `AllAvailabilityZones` all.
    pub(super) fn describe_availability_zones(&self) -> Result<String, Ec2Error> {
        let (names, ids) = (self.params.list("ZoneName"), self.params.list("ZoneId"));
        let filters = self.params.filters(&[
            "group-name",
            "opt-in-status",
            "parent-zone-id",
            "parent-zone-name",
            "region-name",
            "state",
            "zone-id",
            "zone-name",
            "zone-type",
        ])?;
        let all = self.params.is_true("AllAvailabilityZones");
        let zones = &self.region.zones;
        let known = |asked: &&&str| zones.iter().any(|zone| zone.name == **asked || zone.id == **asked);
        if let Some(asked) = names.iter().chain(&ids).find(|asked| !known(asked)) {
            return Err(Ec2Error::invalid(format!("Invalid availability zone: [{asked}]")));
        }
        let shown = |zone: &&Zone| {
            let (parent_name, parent_id) = zone.parent.clone().unwrap_or_default();
            (all || zone.opt_in != OptIn::NotOptedIn)
                && (names.is_empty() || names.contains(&zone.name.as_str()))
                && (ids.is_empty() || ids.contains(&zone.id.as_str()))
                && filters.pass("group-name", &zone.group)
                && filters.pass("opt-in-status", zone.opt_in.as_str())
                && filters.pass("parent-zone-id", &parent_id)
                && filters.pass("parent-zone-name", &parent_name)
                && filters.pass("region-name", self.region.place.code)
                && filters.pass("state", "available")
                && filters.pass("zone-id", &zone.id)
                && filters.pass("zone-name", &zone.name)
                && filters.pass("zone-type", zone.kind)
        };
        Ok(Xml::answer("DescribeAvailabilityZones", &self.request_id, |xml| {
            xml.element("availabilityZoneInfo", |xml| {
                for zone in zones.iter().filter(shown) {
                    xml.element("item", |xml| write_zone(xml, self.region, zone));
                }
            });
        }))
    }
}

fn write_zone(xml: &mut Xml, region: &Region, zone: &Zone) {
    xml.text("optInStatus", zone.opt_in.as_str());
    xml.text("messageSet", "");
    xml.text("regionName", region.place.code);
    xml.text("zoneName", &zone.name);
    xml.text("zoneId", &zone.id);
    xml.text("groupName", &zone.group);
    xml.text("groupLongName", &zone.group_long_name);
    xml.text("networkBorderGroup", &zone.group);
    xml.text("zoneType", zone.kind);
    if let Some((name, id)) = &zone.parent {
        xml.text("parentZoneName", name);
        xml.text("parentZoneId", id);
    }
    xml.text("zoneState", "available");
}

fn endpoint(code: &str) -> String {
    format!("ec2.{code}.amazonaws.com")
}
