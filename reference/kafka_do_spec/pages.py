"""The pages that are made from the specification's sources: errors, operations, machines, requirements, vectors."""

from kafka_do_spec.error_pages import error_pages
from kafka_do_spec.machines import machine_pages
from kafka_do_spec.operation_pages import operation_pages
from kafka_do_spec.requirement_page import requirement_page
from kafka_do_spec.sources import Sources
from kafka_do_spec.vector_page import vector_page


def pages(sources: Sources, cases: dict[str, list[str]]) -> dict[str, str]:
    """Return path below `spec/generated` → Markdown; `cases` maps a requirement's id to the slugs of its cases."""
    return {
        **error_pages(sources),
        **operation_pages(sources),
        **machine_pages(sources),
        "requirements.md": requirement_page(sources, cases),
        "processing_vectors.md": vector_page(sources),
    }
