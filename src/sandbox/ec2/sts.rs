//! STS, 2011-06-15: `GetCallerIdentity`, with which every SDK asks whose credentials it has.

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::params::Params;
use super::xml::Xml;

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";
/// The account that the documentation of AWS uses in its examples: nobody has it.
const ACCOUNT: &str = "123456789012";

/// Answers one call.
pub(super) fn answer(params: &Params, request_id: &str) -> Response {
    let (status, xml) = match params.get("Action").unwrap_or_default() {
        "GetCallerIdentity" => (StatusCode::OK, caller_identity(request_id)),
        action => (StatusCode::BAD_REQUEST, invalid_action(action, request_id)),
    };
    (status, [(CONTENT_TYPE, "text/xml")], xml).into_response()
}

fn caller_identity(request_id: &str) -> String {
    Xml::document("GetCallerIdentityResponse", NAMESPACE, |xml| {
        xml.element("GetCallerIdentityResult", |xml| {
            xml.text("Arn", &format!("arn:aws:iam::{ACCOUNT}:user/sandbox"));
            xml.text("UserId", "AIDASANDBOXEXAMPLE000");
            xml.text("Account", ACCOUNT);
        });
        xml.element("ResponseMetadata", |xml| xml.text("RequestId", request_id));
    })
}

fn invalid_action(action: &str, request_id: &str) -> String {
    Xml::document("ErrorResponse", NAMESPACE, |xml| {
        xml.element("Error", |xml| {
            xml.text("Type", "Sender");
            xml.text("Code", "InvalidAction");
            xml.text("Message", &format!("Could not find operation {action} for version 2011-06-15"));
        });
        xml.text("RequestId", request_id);
    })
}
