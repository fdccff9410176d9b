from sqlalchemy import JSON, ForeignKey
from sqlalchemy.ext.mutable import MutableDict
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Tag(Base):
    __tablename__ = "tags"

    id: Mapped[int] = mapped_column(primary_key=True)
    domain_id: Mapped[int] = mapped_column(ForeignKey("domains.id"))
    name: Mapped[str]


class Domain(Base):
    __tablename__ = "domains"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    status: Mapped[str]
    views: Mapped[int] = mapped_column(default=0)
    data: Mapped[dict] = mapped_column(MutableDict.as_mutable(JSON), default=dict)
    tags: Mapped[list[Tag]] = relationship(lazy="selectin", order_by=Tag.id)

    def activate(self) -> None:
        self.status = "active"

    def is_new(self) -> bool:
        return self.status == "new"
