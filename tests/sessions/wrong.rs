//! Wrong rewrites, put into projects after `apply`: the comparison must find each of them.

use std::path::Path;

use crate::projects::replace;

/// Another text in the place of one that must be in a file once.
#[derive(Debug)]
pub(crate) struct Wrong {
    /// The project, by its name.
    pub(crate) project: &'static str,
    file: &'static str,
    right: &'static str,
    instead: &'static str,
    /// The function that does something else then.
    pub(crate) function: &'static str,
}

impl Wrong {
    /// Puts it into the project at `root`.
    pub(crate) fn put_into(&self, root: &Path) {
        replace(&root.join(self.file), self.right, self.instead);
    }
}

const fn wrong(
    project: &'static str,
    function: &'static str,
    file: &'static str,
    right: &'static str,
    instead: &'static str,
) -> Wrong {
    Wrong {
        project,
        file,
        right,
        instead,
        function,
    }
}

/// Each changes a function of its own, so that those of one project can be put into one copy.
pub(crate) const WRONGS: &[Wrong] = &[
    // A block that changes an object and is left comes into a scope that commits.
    wrong(
        "keeping",
        "attribute_changed",
        "app/tasks/leaving.py",
        r"async def attribute_changed(key: int) -> str:
    async with session_factory() as session:
",
        r"async def attribute_changed(key: int) -> str:
    from app.session import get_session

    async with get_session() as session:
",
    ),
    // A block that takes back what it did commits it.
    wrong(
        "keeping",
        "taken_back",
        "app/tasks/committing.py",
        r"        await session.flush()
        await session.rollback()
        return name
",
        r"        await session.flush()
        return name
",
    ),
    // An early return commits.
    wrong(
        "keeping",
        "returned_before_the_commit",
        "app/tasks/leaving.py",
        r"        if dry:
            return False
        await session.commit()
        return True
",
        r"        await session.commit()
        return not dry
",
    ),
    // A commit is lost that nobody does in the block's place.
    wrong(
        "keeping",
        "committed_and_closed",
        "app/tasks/manual.py",
        r#"    async with get_session() as session:
        session.add(Domain(name=name, status="new"))
        await session.commit()
    return name
"#,
        r#"    async with session_factory() as session:
        session.add(Domain(name=name, status="new"))
    return name
"#,
    ),
    // A handler no longer takes back.
    wrong(
        "keeping",
        "with_a_handler",
        "app/tasks/manual.py",
        r"        except Refused:
            await session.rollback()
            return False
",
        r"        except Refused:
            return False
",
    ),
    // The commits of a loop become one.
    wrong(
        "keeping",
        "commit_in_a_loop",
        "app/tasks/loops.py",
        r"            await session.commit()
            count += 1
",
        r"            count += 1
",
    ),
    // One scope stands around all rounds of a loop that had one in each.
    wrong(
        "keeping",
        "block_in_a_loop",
        "app/tasks/loops.py",
        r#"    for name in names:
        async with get_session() as session:
            session.add(Domain(name=name, status="new"))
            await session.commit()


async def commit_in_a_loop"#,
        r#"    async with get_session() as session:
        for name in names:
            session.add(Domain(name=name, status="new"))


async def commit_in_a_loop"#,
    ),
    // An error is swallowed that left the block.
    wrong(
        "keeping",
        "factory_begins_and_raises",
        "app/tasks/beginning.py",
        r"        if dry:
            raise Refused(name)


async def factory_begins_and_returns",
        r"        if dry:
            return


async def factory_begins_and_returns",
    ),
    // A bare session in the place of one that begins loses the work.
    wrong(
        "keeping",
        "factory_begins",
        "app/tasks/beginning.py",
        r"async def factory_begins(name: str) -> None:
    async with get_session() as session:
",
        r"async def factory_begins(name: str) -> None:
    async with session_factory() as session:
",
    ),
    // The session is closed before the last use of an object that is not loaded.
    wrong(
        "keeping",
        "name_of",
        "app/tasks/reading.py",
        r"        domain = await session.get(Domain, key)
        if domain is None:
            return None
        return domain.name
",
        r"        domain = await session.get(Domain, key)
        if domain is not None:
            session.expire(domain)
    return domain and domain.name
",
    ),
    // A route's own commit goes, as if the dependency committed before the answer.
    wrong(
        "keeping",
        "route_adds_or_tells",
        "app/routers/domains.py",
        r#"        await session.commit()
    except IntegrityError:
        await session.rollback()
        raise HTTPException(409, "is there already")
"#,
        r#"        pass
    except IntegrityError:
        await session.rollback()
        raise HTTPException(409, "is there already")
"#,
    ),
    // What is refused is answered instead of raised, so that the dependency commits.
    wrong(
        "keeping",
        "route_refuses_in_the_middle",
        "app/routers/domains.py",
        r"    if dry:
        raise HTTPException(400)
",
        r#"    if dry:
        from fastapi.responses import JSONResponse

        return JSONResponse({"detail": "Bad Request"}, 400)
"#,
    ),
    // The session of a parameter is that of another dependency, too.
    wrong(
        "keeping",
        "route_counts_beside_a_visitor",
        "app/routers/domains.py",
        r"async def route_counts_beside_a_visitor(who: str = Depends(visitor)):
    async with get_session() as session:
        return await",
        r"async def route_counts_beside_a_visitor(who: str = Depends(visitor), session=Depends(get_session_dependency)):
        return await",
    ),
    // An object is expired behind the block.
    wrong(
        "expiring",
        "given_back",
        "app/tasks/objects.py",
        r"async def given_back(key: int):
    async with session_factory() as session:
",
        r"async def given_back(key: int):
    from app.session import get_session

    async with get_session() as session:
",
    ),
    // A dependency that commits nothing takes the place of a factory that begins.
    wrong(
        "committing nothing",
        "factory_begins",
        "app/tasks/beginning.py",
        r"async def factory_begins(name: str) -> None:
    async with session_factory.begin() as session:
",
        r"async def factory_begins(name: str) -> None:
    from app.session import get_session

    async with get_session() as session:
",
    ),
    // A block commits inside of a transaction that its scope holds open.
    wrong(
        "beginning",
        "add_and_give_number",
        "app/tasks/committing.py",
        r"async def add_and_give_number(name: str) -> int:
    async with session_factory() as session:
        domain = Domain(name=name, status=",
        r"async def add_and_give_number(name: str) -> int:
    from app.session import get_session

    async with get_session() as session:
        await session.commit()
        domain = Domain(name=name, status=",
    ),
    wrong(
        "without asyncio",
        "updated_by_query_and_left",
        "app/tasks/queries.py",
        r"def updated_by_query_and_left(status: str) -> int:
    with session_factory() as session:
",
        r"def updated_by_query_and_left(status: str) -> int:
    from app.session import get_session

    with get_session() as session:
",
    ),
    wrong(
        "without asyncio",
        "committed_by_hand",
        "app/tasks/manual.py",
        r"        except IntegrityError:
            session.rollback()
            return False
",
        r"        except IntegrityError:
            return False
",
    ),
];
