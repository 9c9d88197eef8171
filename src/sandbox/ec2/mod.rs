//! EC2 Query, 2016-11-15: `POST /` with a form, answered in XML. One address serves every region: the region is
//! read from the scope of the signature, and so is the service: STS is called in the same way. The signature itself
//! is accepted as it is.

mod params;
mod places;
mod spot_history;
mod sts;
mod xml;

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::Cloud;
use super::market::Region;
use super::market::places::OptIn;
use crate::base::Time;
use params::Params;
use xml::Xml;

/// Why a call is refused.
#[derive(Debug)]
pub(crate) struct Ec2Error {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Ec2Error {
    fn invalid(message: String) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code: "InvalidParameterValue", message }
    }

    fn auth_failure(message: &str) -> Self {
        Self { status: StatusCode::UNAUTHORIZED, code: "AuthFailure", message: message.to_owned() }
    }

    /// What a caller gets who asks too often.
    pub(crate) fn throttled() -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            code: "RequestLimitExceeded",
            message: "Request limit exceeded.".to_owned(),
        }
    }

    /// The answer that says so.
    pub(crate) fn into_answer(self, request_id: &str) -> Response {
        let mut xml = Xml::new();
        xml.element("Response", |xml| {
            xml.element("Errors", |xml| {
                xml.element("Error", |xml| {
                    xml.text("Code", self.code);
                    xml.text("Message", &self.message);
                });
            });
            xml.text("RequestID", request_id);
        });
        (self.status, [(CONTENT_TYPE, "text/xml;charset=UTF-8")], xml.finish()).into_response()
    }
}

/// A call that was let in.
struct Call<'a> {
    cloud: &'a Cloud,
    region: &'a Region,
    params: Params,
    now: Time,
    request_id: String,
}

/// Answers one call.
pub(crate) async fn serve(State(cloud): State<Arc<Cloud>>, headers: HeaderMap, body: Bytes) -> Response {
    let request_id = cloud.request_id();
    let scope = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(Scope::read);
    if scope.is_some_and(|scope| scope.service == "sts") {
        return sts::answer(&Params::read(&body), &request_id);
    }
    let answer = admit(&cloud, scope, &body, request_id.clone()).and_then(|call| call.answer());
    match answer {
        Ok(xml) => ([(CONTENT_TYPE, "text/xml;charset=UTF-8")], xml).into_response(),
        Err(error) => error.into_answer(&request_id),
    }
}

fn admit<'a>(
    cloud: &'a Cloud,
    scope: Option<Scope<'_>>,
    body: &[u8],
    request_id: String,
) -> Result<Call<'a>, Ec2Error> {
    const REFUSED: &str = "AWS was not able to validate the provided access credentials";
    let scope =
        scope.filter(|scope| scope.service == "ec2").ok_or_else(|| Ec2Error::auth_failure(REFUSED))?;
    let region = cloud.market.region(scope.region).filter(|region| region.place.opt_in != OptIn::NotOptedIn);
    let region = region.ok_or_else(|| Ec2Error::auth_failure(REFUSED))?;
    Ok(Call { cloud, region, params: Params::read(body), now: cloud.clock.now(), request_id })
}

/// What a request was signed for: `AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/ec2/aws4_request, …`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Scope<'a> {
    region: &'a str,
    service: &'a str,
}

impl<'a> Scope<'a> {
    fn read(authorization: &'a str) -> Option<Self> {
        let (_, credential) = authorization.split_once("Credential=")?;
        let scope = credential.split([',', ' ']).next()?;
        let mut parts = scope.rsplit('/');
        let (terminator, service, region) = (parts.next()?, parts.next()?, parts.next()?);
        (terminator == "aws4_request").then_some(Self { region, service })
    }
}

impl Call<'_> {
    fn answer(&self) -> Result<String, Ec2Error> {
        let action = self.params.get("Action").unwrap_or_default();
        let answer = match action {
            "DescribeRegions" => Self::describe_regions,
            "DescribeAvailabilityZones" => Self::describe_availability_zones,
            "DescribeSpotPriceHistory" => Self::describe_spot_price_history,
            _ => {
                return Err(Ec2Error {
                    status: StatusCode::BAD_REQUEST,
                    code: "InvalidAction",
                    message: format!("The action {action} is not valid for this web service."),
                });
            }
        };
        if self.params.is_true("DryRun") {
            return Err(Ec2Error {
                status: StatusCode::PRECONDITION_FAILED,
                code: "DryRunOperation",
                message: "Request would have succeeded, but DryRun flag is set.".to_owned(),
            });
        }
        answer(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn region_and_service_are_read_from_the_scope_of_the_signature() {
        for service in ["ec2", "sts"] {
            let header = format!(
                "AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
            );
            assert_eq!(Scope::read(&header), Some(Scope { region: "eu-west-1", service }));
        }
        for wrong in ["", "Basic abc", "Credential=AKID", "Credential=A/20260101/eu-west-1/s3/aws5_request"] {
            assert_eq!(Scope::read(wrong), None, "{wrong}");
        }
    }
}
