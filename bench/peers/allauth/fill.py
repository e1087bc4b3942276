"""Makes the tables and fills them; writes the signed-in people as JSON. Arguments: active passive old new passive-prefix"""

import json
import os
import sys
import time
from datetime import timedelta

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")

import django

django.setup()

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from people.models import Phone

AT_ONCE = 5_000
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def people(count, prefix, new):
    user_model = get_user_model()
    for start in range(0, count, AT_ONCE):
        places = range(start, min(count, start + AT_ONCE))
        users = user_model.objects.bulk_create(
            user_model(username=f"person-{prefix[-3:]}-{place}", password="!" + "x" * 40) for place in places
        )
        pairs = list(zip(places, users, strict=True))
        Phone.objects.bulk_create(
            Phone(user=user, number=f"{prefix}{place:08d}", verified=True) for place, user in pairs
        )
        Session.objects.bulk_create(session(place, user, prefix, new) for place, user in pairs)


def session(place, user, prefix, new):
    store = SessionStore()
    key = store._get_new_session_key() if new else f"passive{prefix[-3:]}{place:08d}".ljust(32, "0")
    facts = {
        SESSION_KEY: str(user.pk),
        BACKEND_SESSION_KEY: BACKEND,
        HASH_SESSION_KEY: user.get_session_auth_hash(),
        "account_authentication_methods": [
            {"method": "password", "at": time.time(), "phone": f"{prefix}{place:08d}"}
        ],
    }
    if new:
        print(json.dumps({"old": f"{prefix}{place:08d}", "new": f"{new}{place:08d}", "credential": key}))
    ends = timezone.now() + timedelta(days=14)
    return Session(session_key=key, session_data=store.encode(facts), expire_date=ends)


active, passive = map(int, sys.argv[1:3])
old, new, other = sys.argv[3:]
call_command("migrate", verbosity=0)
people(active, old, new)
people(passive, other, "")
with connection.cursor() as cursor:
    cursor.execute("ANALYZE")
