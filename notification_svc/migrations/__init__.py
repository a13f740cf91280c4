"""The history of notification_svc's schema."""
