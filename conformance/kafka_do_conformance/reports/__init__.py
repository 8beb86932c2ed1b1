"""What is made from `report.json`: each form is a function from the document to text.

`document` reads and checks; `findings` says what to look at first. `page` is the HTML file for people (with `card`,
`markup`, `page.css` and `page.js`), `junit` the XML file for continuous integration, `markdown` the summary for a
comment.
"""

from pathlib import Path

from kafka_do_conformance.reports.document import Document, ReportFileError, read
from kafka_do_conformance.reports.junit import junit
from kafka_do_conformance.reports.markdown import markdown
from kafka_do_conformance.reports.page import page

__all__ = ["Document", "ReportFileError", "beside", "junit", "markdown", "page", "read"]

_FORMS = {".html": page, ".xml": junit, ".md": markdown}


def beside(path: Path) -> dict[Path, str]:
    """Return what belongs beside a `report.json`, by file; raises ReportFileError and OSError."""
    document = read(path.read_text("utf-8"))
    stem = path.name.removesuffix(".json")
    return {path.with_name(stem + suffix): form(document) for suffix, form in _FORMS.items()}
