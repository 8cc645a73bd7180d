"""A real SMTP server of a library that knows nothing of ours. Options as JSON in the first argument; what comes is written to stdout, a line each."""

import asyncio
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

options = json.loads(sys.argv[1])


class Keeper:
    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        if address in options.get("refused", []):
            return "550 5.1.1 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        login = session.auth_data
        message = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "encrypted": session.ssl is not None or options.get("implicit", False),
            "user": login.login.decode() if isinstance(login, LoginPassword) else None,
            "data": envelope.content.decode("utf-8", "replace"),
        }
        print(json.dumps(message), flush=True)
        return "250 2.0.0 kept"


def authenticate(server, session, envelope, mechanism, data):
    right = isinstance(data, LoginPassword) and data.login.decode() == options["user"] and data.password.decode() == options["password"]
    return AuthResult(success=right, handled=True, auth_data=data) if right else AuthResult(success=False, handled=False)


def make():
    context = None
    if options.get("certificate") and not options.get("implicit"):
        context = certificate()
    needs_login = "user" in options
    return SMTP(
        Keeper(),
        hostname="mail.test",
        tls_context=context,
        require_starttls=context is not None,
        auth_required=needs_login,
        auth_require_tls=context is not None,
        authenticator=authenticate if needs_login else None,
    )


def certificate():
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(options["certificate"], options["key"])
    return context


async def main():
    loop = asyncio.get_running_loop()
    implicit = certificate() if options.get("implicit") else None
    server = await loop.create_server(make, "127.0.0.1", 0, ssl=implicit)
    print(f"listens on {server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


asyncio.run(main())
