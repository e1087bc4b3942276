from django.conf import settings
from django.db import models


class Phone(models.Model):
    """One number a user, one user a number."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    number = models.CharField(max_length=32, unique=True)
    verified = models.BooleanField(default=False)
