"""Opening what was encrypted with an SM2 public key (GB/T 32918.4-2016 §7, curve of GB/T 32918.5-2017). Pure.

`cryptography` has SM3 and not this curve, and no kept Python library does it in compiled code: see ADR 0013. Numbers
in Python take time that depends on them, so the private key is never multiplied as it is: to every use it is blinded
with chance that the caller brings.

Ciphertexts are C1 ‖ C2 ‖ C3 (what the incumbent's clients send) or C1 ‖ C3 ‖ C2 (the standard's newer order), C1 with
or without its leading 04. C3 is a hash over the plaintext, so only what is right in one order opens at all.
"""

from typing import NamedTuple

from cryptography.hazmat.primitives.hashes import SM3, Hash

P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
_GX = 0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7
_GY = 0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0

_WIDTH = 32
"""Bytes of a coordinate, and of SM3's hash."""
_POINT = 2 * _WIDTH
BLINDING_BYTES = 16 + _WIDTH
"""Chance that one multiplication is blinded with: 128 bits for the number, a field element for the point."""


class Point(NamedTuple):
    """A point of the curve that is not the one at infinity."""

    x: int
    y: int


GENERATOR = Point(_GX, _GY)

_Jacobian = tuple[int, int, int]
"""x = X / Z², y = Y / Z³; Z = 0 is the point at infinity."""


def on_curve(point: Point) -> bool:
    """Whether a pair of numbers is a point: what is none would tell about the key (invalid-curve attacks)."""
    x, y = point
    return 0 <= x < P and 0 <= y < P and (y * y - (x * x * x + A * x + B)) % P == 0


def multiply(number: int, point: Point, blinding: bytes) -> Point | None:
    """`number` times the point, by a ladder that takes the same steps for every number; None: at infinity."""
    mask = int.from_bytes(blinding[:16], "big")
    z = int.from_bytes(blinding[16:], "big") % (P - 1) + 1
    scalar = number + mask * N
    low: _Jacobian = (1, 1, 0)
    high: _Jacobian = (point.x * z * z % P, point.y * pow(z, 3, P) % P, z)
    for place in reversed(range(N.bit_length() + 128)):
        if scalar >> place & 1:
            low, high = _add(low, high), _double(high)
        else:
            low, high = _double(low), _add(low, high)
    return _affine(low)


def public_key(private: int, blinding: bytes) -> str:
    """The public half as clients want it: 130 hex digits, `04` and both coordinates."""
    point = multiply(private, GENERATOR, blinding)
    if point is None:
        raise ValueError("no private key: a multiple of the curve's order")
    return f"04{point.x:064x}{point.y:064x}"


def decrypt(private: int, ciphertext: bytes, blinding: bytes) -> bytes | None:
    """The plaintext, or None where this key does not open it."""
    for start in (1, 0):
        if start and ciphertext[:1] != b"\x04":
            continue
        body = ciphertext[start:]
        point = Point(int.from_bytes(body[:_WIDTH], "big"), int.from_bytes(body[_WIDTH:_POINT], "big"))
        rest = body[_POINT:]
        if len(rest) <= _WIDTH or not on_curve(point):
            continue
        shared = multiply(private, point, blinding)
        if shared is None:
            continue
        for sealed, check in ((rest[:-_WIDTH], rest[-_WIDTH:]), (rest[_WIDTH:], rest[:_WIDTH])):
            plain = bytes(a ^ b for a, b in zip(sealed, _stream(shared, len(sealed)), strict=True))
            if _check(shared, plain) == check:  # a hash that the sender made: nothing to learn from its time
                return plain
    return None


def encrypt(public: Point, plain: bytes, number: int, blinding: bytes) -> bytes:
    """C1 ‖ C2 ‖ C3 with its 04: the other side, for tests and for the SDK's examples. `number`: 1 to N - 1, chance."""
    first = multiply(number, GENERATOR, blinding)
    shared = multiply(number, public, blinding)
    if first is None or shared is None:
        raise ValueError("a number that the curve's order divides")
    sealed = bytes(a ^ b for a, b in zip(plain, _stream(shared, len(plain)), strict=True))
    return b"\x04" + _bytes(first) + sealed + _check(shared, plain)


def _stream(shared: Point, length: int) -> bytes:
    """The key derivation function (GB/T 32918.4 §5.4.3)."""
    blocks = -(-length // _WIDTH)
    whole = b"".join(_sm3(_bytes(shared) + turn.to_bytes(4, "big")) for turn in range(1, blocks + 1))
    return whole[:length]


def _check(shared: Point, plain: bytes) -> bytes:
    return _sm3(shared.x.to_bytes(_WIDTH, "big") + plain + shared.y.to_bytes(_WIDTH, "big"))


def _bytes(point: Point) -> bytes:
    return point.x.to_bytes(_WIDTH, "big") + point.y.to_bytes(_WIDTH, "big")


def _sm3(text: bytes) -> bytes:
    hashed = Hash(SM3())
    hashed.update(text)
    return hashed.finalize()


def _double(point: _Jacobian) -> _Jacobian:
    """Formulas dbl-2001-b of the Explicit-Formulas Database (a = -3)."""
    x, y, z = point
    delta = z * z % P
    gamma = y * y % P
    beta = x * gamma % P
    alpha = 3 * (x - delta) * (x + delta) % P
    x3 = (alpha * alpha - 8 * beta) % P
    z3 = ((y + z) ** 2 - gamma - delta) % P
    return x3, (alpha * (4 * beta - x3) - 8 * gamma * gamma) % P, z3


def _add(one: _Jacobian, other: _Jacobian) -> _Jacobian:
    """Formulas add-2007-bl; the points of a ladder differ by its point, so equal ones meet only at infinity."""
    x1, y1, z1 = one
    x2, y2, z2 = other
    if z1 == 0:
        return other
    if z2 == 0:
        return one
    z1z1, z2z2 = z1 * z1 % P, z2 * z2 % P
    u1, u2 = x1 * z2z2 % P, x2 * z1z1 % P
    s1, s2 = y1 * z2 * z2z2 % P, y2 * z1 * z1z1 % P
    h, r = (u2 - u1) % P, 2 * (s2 - s1) % P
    if h == 0:
        return (1, 1, 0) if r else _double(one)
    i = 4 * h * h % P
    j, v = h * i % P, u1 * i % P
    x3 = (r * r - j - 2 * v) % P
    return x3, (r * (v - x3) - 2 * s1 * j) % P, ((z1 + z2) ** 2 - z1z1 - z2z2) * h % P


def _affine(point: _Jacobian) -> Point | None:
    x, y, z = point
    if z == 0:
        return None
    inverse = pow(z, -1, P)
    square = inverse * inverse % P
    return Point(x * square % P, y * square * inverse % P)
