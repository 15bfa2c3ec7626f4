"""Starts ministack, with two things mended in which it is not like AWS.

An update of a nested stack forgets the attributes of the resources that it leaves as they are, so
that no nested stack can be updated in which one refers to another. And numbers that come from a
parameter stay text in a delivery stream, so that the SDK for Rust cannot read its description.
"""

from ministack.app import main
from ministack.services.cloudformation import provisioners

provision, update = provisioners._provision_resource, provisioners._update_resource
known = {}


def remember(kind, made):
    physical_id, attributes = made
    attributes = known.get((kind, physical_id), {}) | (attributes or {})
    known[kind, physical_id] = attributes
    return physical_id, attributes


def with_numbers(props):
    destination = dict(props["ExtendedS3DestinationConfiguration"])
    hints = destination.get("BufferingHints", {})
    destination["BufferingHints"] = {name: int(value) for name, value in hints.items()}
    return props | {"ExtendedS3DestinationConfiguration": destination}


provisioners._provision_resource = lambda kind, *rest: remember(kind, provision(kind, *rest))
provisioners._update_resource = lambda kind, *rest: remember(kind, update(kind, *rest))
delivery = provisioners._RESOURCE_HANDLERS["AWS::KinesisFirehose::DeliveryStream"]
create, change = delivery["create"], delivery["update"]
delivery["create"] = lambda name, props, stack: create(name, with_numbers(props), stack)
delivery["update"] = lambda name, old, new, stack: change(name, old, with_numbers(new), stack)

main()
