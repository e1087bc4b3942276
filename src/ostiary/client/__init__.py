"""The SDK's inside: a core that decides, two small drivers that do, and generated clients.

People import from ``ostiary``; nothing in here imports the server.
"""
