//! Reading what a client sends: so much, and within so long.

use std::time::Duration;

use axum::extract::Request;
use axum::http::StatusCode;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::error::ApiError;

/// How long a body may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The whole body of a request.
pub(super) async fn read(request: Request, most: usize) -> Result<Bytes, ApiError> {
    let body = Limited::new(request.into_body(), most).collect();
    let Ok(read) = tokio::time::timeout(PATIENCE, body).await else {
        let text = "the body did not come in time";
        return Err(ApiError::new(
            StatusCode::REQUEST_TIMEOUT,
            "slow_body",
            text,
        ));
    };
    let collected = read.map_err(|error| match error.is::<LengthLimitError>() {
        true => {
            let text = format!("the body is longer than {most} bytes");
            ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", text)
        }
        false => {
            let text = "the body broke off";
            ApiError::new(StatusCode::BAD_REQUEST, "bad_body", text)
        }
    })?;
    Ok(collected.to_bytes())
}
