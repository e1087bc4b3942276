import os

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth import get_user_model

from people.models import Phone

_SINK = os.open(os.environ["BENCH_PIPE"], os.O_WRONLY) if "BENCH_PIPE" in os.environ else -1


class Adapter(DefaultAccountAdapter):
    """What allauth asks a project for that keeps phone numbers."""

    def set_phone(self, user, phone, verified):
        Phone.objects.update_or_create(user=user, defaults={"number": phone, "verified": verified})

    def set_phone_verified(self, user, phone):
        self.set_phone(user, phone, True)

    def get_phone(self, user):
        row = Phone.objects.filter(user=user).first()
        return (row.number, row.verified) if row else None

    def get_user_by_phone(self, phone):
        return get_user_model().objects.filter(phone__number=phone).first()

    def send_verification_code_sms(self, user, phone, code, **kwargs):
        os.write(_SINK, f"{phone} {code}\n".encode())
