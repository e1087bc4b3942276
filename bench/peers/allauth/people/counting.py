"""Counts statements, for the counting run alone."""

import atexit

from django.db import connection

counted = 0


def _count(execute, sql, params, many, context):
    global counted  # noqa: PLW0603 - a number for one process's whole life
    counted += 1
    return execute(sql, params, many, context)


class Counting:
    def __init__(self, get_response):
        self._get_response = get_response

    def __call__(self, request):
        with connection.execute_wrapper(_count):
            return self._get_response(request)


atexit.register(lambda: print(f"statements {counted}", flush=True))
