"""Money: whole minor units and an ISO 4217 currency; sums are per currency, floats are refused."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

TWO_DIGITS = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP
CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR
KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN
PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD
TZS UAH USD UYU UZS VED VES WST XCD YER ZAR ZMW ZWG
"""
NO_DIGITS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
THREE_DIGITS = "BHD IQD JOD KWD LYD OMR TND"
MINOR_DIGITS = {
    code: digits for codes, digits in ((TWO_DIGITS, 2), (NO_DIGITS, 0), (THREE_DIGITS, 3)) for code in codes.split()
}
LARGEST_MINOR = 10**15


def _known(code: str) -> str:
    if code not in MINOR_DIGITS:
        raise ValueError(f"{code!r} is not an ISO 4217 currency; write one like EUR or BRL")
    return code


Currency = Annotated[str, AfterValidator(_known)]
AmountMinor = Annotated[int, Field(strict=True, ge=-LARGEST_MINOR, le=LARGEST_MINOR)]


class Money(BaseModel):
    """An amount in minor units (cents) of a currency; the text form is `12.34 EUR`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    amount_minor: AmountMinor
    currency: Currency

    @model_validator(mode="before")
    @classmethod
    def _parse_text(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        found = re.fullmatch(r"\s*(-?[0-9]+(?:\.[0-9]+)?)\s*([A-Z]{3})\s*", value)
        if not found:
            raise ValueError("write money as amount and currency, like 12.34 EUR")
        return {"amount_minor": to_minor(found[1], found[2]), "currency": found[2]}

    def __str__(self) -> str:
        digits = MINOR_DIGITS[self.currency]
        return f"{Decimal(self.amount_minor).scaleb(-digits):.{digits}f} {self.currency}"


def to_minor(amount: str, currency: str, *, rounded: bool = False) -> int:
    """A decimal text as whole minor units; ValueError when it has more digits than the currency, unless `rounded`."""
    digits = MINOR_DIGITS[_known(currency)]
    try:
        value = Decimal(amount).scaleb(digits)
    except InvalidOperation as error:
        raise ValueError(f"{amount!r} is not an amount") from error
    if not value.is_finite():
        raise ValueError(f"{amount!r} is not an amount")
    whole = value.quantize(Decimal(1), ROUND_HALF_UP) if abs(value) <= LARGEST_MINOR else value
    if abs(value) > LARGEST_MINOR or (whole != value and not rounded):
        raise ValueError(f"{amount} has too many digits for {currency}")
    return int(whole)
