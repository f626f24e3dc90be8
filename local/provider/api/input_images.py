"""Gets the bytes of a create request's images, fetching those given by URL, and checks each against the contract."""

from __future__ import annotations

import asyncio

import httpx

from kiln.contract import CreateRequest
from kiln.errors import InvalidRequest
from kiln.images.inputs import InputImage
from kiln.images.inspection import ImageViolation, check_input
from kiln.images.limits import IMAGE_BYTES

FETCH_SECONDS = 10.0


async def read_images(request: CreateRequest, http: httpx.AsyncClient) -> dict[str, bytes]:
    """The bytes of every image, by the path of its field.

    Raises:
        InvalidRequest: An image can't be fetched or breaks a limit; the message names its field.
    """
    fields = list(request.images())
    contents = await asyncio.gather(*(_read(field, image, http) for field, image in fields))
    return {field: content for (field, _), content in zip(fields, contents, strict=True)}


def refuse_links(request: CreateRequest) -> None:
    """Refuses every image URL, as a provider does that has no way to the host.

    Raises:
        InvalidRequest: An image is given by URL; the message names its field.
    """
    for field, image in request.images():
        if image.content is None:
            raise InvalidRequest(f"{field}: the URL could not be fetched: the host cannot be reached")


async def _read(field: str, image: InputImage, http: httpx.AsyncClient) -> bytes:
    if image.content is not None:
        return image.content
    try:
        content = await _fetch(image.url or "", http)
        check_input(content)
    except ImageViolation as violation:
        raise InvalidRequest(f"{field}: {violation}, got {violation.got}") from violation
    except TimeoutError as error:
        raise InvalidRequest(f"{field}: the URL could not be fetched within {FETCH_SECONDS:.0f} s") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise InvalidRequest(f"{field}: the URL could not be fetched: {error}") from error
    return content


async def _fetch(url: str, http: httpx.AsyncClient) -> bytes:
    async with (
        asyncio.timeout(FETCH_SECONDS),
        http.stream("GET", url, follow_redirects=True, timeout=FETCH_SECONDS) as answer,
    ):
        answer.raise_for_status()
        content = bytearray()
        async for chunk in answer.aiter_bytes():
            content += chunk
            if len(content) > IMAGE_BYTES:
                # check_input reports the limit; the rest need not be read.
                break
        return bytes(content)
