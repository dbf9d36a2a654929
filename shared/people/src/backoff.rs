use tokensmith_issuer::error::Unavailable;
use tokensmith_issuer::names::UserName;
use tokensmith_issuer::store::Table;
use tokensmith_verifier::Timestamp;
pub enum Admitted {
    Yes,
    TryAgainIn(u64),
}
pub async fn admit(
    _: &Table,
    _: &UserName,
    _: Option<&str>,
    _: Timestamp,
) -> Result<Admitted, Unavailable> {
    Ok(Admitted::Yes)
}
pub async fn succeeded(_: &Table, _: &UserName, _: Option<&str>) -> Result<(), Unavailable> {
    Ok(())
}
