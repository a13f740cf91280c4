"""gRPC: channels and servers, the interceptors around every call, how a failed call ends."""
