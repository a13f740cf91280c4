"""A server of another party that is asked in JSON, by one POST, with an access token."""

from typing import Any, TypeVar

import msgspec

from auth_svc.outbound_http import AddressRefusedError, HttpRules, NoAnswerError, UrlError, post


class Answer(msgspec.Struct, rename="camel"):
    """An answer, with the names of OCPP: a status, and a message where that is not Accepted."""

    status: str
    message: str = ""

    @property
    def is_accepted(self) -> bool:
        """Whether the server did as it was asked."""
        return self.status == "Accepted"


AnswerT = TypeVar("AnswerT", bound=Answer)


class JsonServer:
    """The server. An operator configured its URL: it may be of a private network."""

    def __init__(self, *, url: str, token: str | None, timeout_s: float) -> None:
        self._url = url
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"
        self._rules = HttpRules(private_addresses=True, timeout_s=timeout_s)

    async def ask(self, question: dict[str, Any], kind: type[AnswerT]) -> AnswerT:
        """The answer. Raises NoAnswerError, also where it is not of this kind."""
        try:
            raw = await post(self._url, msgspec.json.encode(question), self._headers, self._rules)
            return msgspec.json.decode(raw, type=kind)
        except (UrlError, AddressRefusedError) as error:
            raise NoAnswerError(str(error)) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise NoAnswerError("the answer is no JSON with a status") from error
